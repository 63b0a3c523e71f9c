"""OSC: other programs set values and ask for them, with addresses as FAUST has them."""
