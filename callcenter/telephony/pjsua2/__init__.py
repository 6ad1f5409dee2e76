"""The `pjsua2` driver: sipua in front, PJSIP behind it for the audio; see docs/decisions/080-pjsua2-behind-sipua.md."""
