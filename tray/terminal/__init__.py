"""The live screen of `entrain watch`: a client of the control socket.

It knows the control API's answers, but neither the running app nor a sound server.
"""
