"""Head trackers: receives poses of the head over UDP and hands them to Entrain.

It knows senders and their signs, and does not know the app.
"""
