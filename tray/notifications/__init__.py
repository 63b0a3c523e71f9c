"""Notifications: the policy that chooses them, and the D-Bus client that shows them."""
