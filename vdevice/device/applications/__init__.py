"""The apps that play through Entrain: the user's rules, and the moves of the apps' streams.

This folder does not decide on devices, volumes or the default output.
"""
