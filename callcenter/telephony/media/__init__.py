"""RTP: a child process that relays, plays and hears keys, and the handle that the SIP side holds of it.

`plane.MediaPlane` is the door. The child loads neither numpy nor asyncio: `child`, `relay` and what
they use are the whole of it.
"""
