"""The cases of RFC 4475 in our own words: a message each, and what a line has to make of it.

`{me}` in a message stands for `127.0.0.1:PORT` of who sends it, `{length}` for that of the body. Lines end in CRLF.
"""

from dataclasses import dataclass

from tests.sip.wire import SDP

CALL = "a call"
"""The line reports CallArrived."""
NOTHING = "nothing"
"""No answer, and nothing happens."""
ESCAPED = "sips:user@example.com"
"""A number of the centre's that can be dialled only by escapes (3.1.1.3)."""


@dataclass(frozen=True, slots=True)
class Case:
    """`then`: a status that is the answer, CALL or NOTHING. `name` is the RFC's own."""

    name: str
    section: str
    text: str
    then: int | str
    body: str | bytes = ""

    def data(self, port: int, transport: str = "UDP") -> bytes:
        """The message as `port` sends it."""
        body = self.body.encode() if isinstance(self.body, str) else self.body
        head = self.text.strip("\n").replace("\n", "\r\n").replace("{me}", f"127.0.0.1:{port}")
        if transport == "TCP":
            head = head.replace("SIP/2.0/UDP", "SIP/2.0/TCP")
        return (
            head.replace("{length}", str(len(body))).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body
        )


def plain(
    name: str, method: str, uri: str = "sip:hotline@example.com", more: str = "", **instead: str
) -> str:
    """A sound request but for what a case changes: `instead` by header (`to="..."`, empty for none) and `line`."""
    lines = {
        "line": f"{method} {uri} SIP/2.0",
        "via": f"Via: SIP/2.0/UDP {{me}};branch=z9hG4bK.{name}",
        "to": "To: <sip:hotline@example.com>",
        "from": f"From: <sip:caller@example.net>;tag={name}",
        "call_id": f"Call-ID: {name}.torture@192.0.2.1",
        "cseq": f"CSeq: 8 {method}",
        "hops": "Max-Forwards: 70",
        "contact": "Contact: <sip:caller@{me}>",
        "more": more.strip("\n"),
        "kind": "Content-Type: application/sdp" if method == "INVITE" else "",
        "length": "Content-Length: {length}",
    } | instead
    return "\n".join(line for line in lines.values() if line)


ANNA = "To: <sip:anna@example.com>"
_LONG = "unknown" + "-and-quite-a-bit-longer-than-anybody-would-expect" * 20
_MIME = (
    b"--next\r\nContent-Type: text/plain\r\n\r\nHello\r\n--next\r\nContent-Type: application/octet-stream\r\n"
    b"Content-Transfer-Encoding: binary\r\n\r\n0\x82\x00\x01\xff\r\n\r\n\x00SIP/2.0 200 OK\r\n--next--\r\n"
)

VALID = (
    Case("wsinv", "3.1.1.1", r'''
INVITE sip:hotline@example.com;unknownparam SIP/2.0
TO :
 sip:hotline@example.com
from   : "J Rosenberg \\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.torture@192.0.2.1
Content-Length   : {length}
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    {me} ;branch = z9hG4bK.wsinv
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
v:  SIP  / 2.0  / TCP     192.0.2.22   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.0.2.25   ; branch=
 z9hG4bK30239
m:"Quoted string \"\"" <sip:jdrosen@{me}> ; newparam =
      newvalue ;
  secondparam ; q = 0.33
''', CALL, SDP),
    Case("intmeth", "3.1.1.2", plain(
        "intmeth", "!odd-Method0123456789_*+`.%indeed'~", "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:"
        "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
        **{"to": r'To: "BEL:\\ NUL:\\ DEL:\\" <sip:1_unusual.URI~(to-be!sure)&isn' "'" r't+it$/crazy?,/;;*@example.com>',
           "from": "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>"
           ";fromParam''~+*_!.-%=\"работающий\";tag=_token~1'+`*%!-.",
           "more": "extensionHeader-!.%*+_`'~:\ufeff大停電"},
    ), 405),
    Case("esc01", "3.1.1.3", plain("esc01", "INVITE", "sip:sips%3Auser%40example.com@example.net",
        to="To: sip:%75se%72@example.com", **{"from": "From: <sip:I%20have%20spaces@example.net>;tag=938"}), CALL, SDP),
    Case("escnull", "3.1.1.4", plain("escnull", "REGISTER", "sip:example.com",
        to="To: sip:null-%00-null@example.com", **{"from": "From: sip:null-%00-null@example.com;tag=839923423"},
        contact="Contact: <sip:%00@{me}>\nContact: <sip:%00%00@{me}>"), 404),
    Case("esc02", "3.1.1.5", plain("esc02", "RE%47IST%45R", "sip:registrar.example.com",
        to='To: "%Z%45" <sip:resource@example.com>',
        **{"from": 'From: "%Z%45" <sip:resource@example.com>;tag=f232jadfj23'}), 405),
    Case("lwsdisp", "3.1.1.6", plain("lwsdisp", "OPTIONS",
        **{"from": "From: caller<sip:caller@example.com>;tag=323"}), 200),
    Case("longreq", "3.1.1.7", plain("longreq", "INVITE", to=f'To: "I have a user name of {"extreme " * 20}" '
        f"<sip:hotline@example.com:6000;unknownparam1={_LONG};{_LONG}={_LONG}>;{_LONG}",
        **{"from": f"F: sip:{'amazinglylongcallername' * 6}@example.net;tag=12{'982' * 50}424;{_LONG}"},
        more=f"Unknown-{'Long' * 20}-Name: {_LONG};{_LONG}={_LONG}\n"
        + "\n".join(f"Via: SIP/2.0/TCP sip{n}.example.com;branch=z9hG4bK.longreq{n}" for n in range(34))), CALL, SDP),
    Case("dblreq", "3.1.1.8", plain("dblreq", "REGISTER", "sip:example.com", to=ANNA, length="Content-Length: 0"), 401,
        "INVITE sip:hotline@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK.dblreq2\r\n"
        "To: <sip:hotline@example.com>\r\nFrom: <sip:a@b>;tag=1\r\nCall-ID: dblreq2\r\nCSeq: 8 INVITE\r\n"
        "Contact: <sip:a@127.0.0.1:9>\r\nContent-Length: 0\r\n\r\n"),
    Case("semiuri", "3.1.1.9", plain("semiuri", "OPTIONS", "sip:user;par=u%40example.net@example.com",
        to="To: sip:j_user@example.com", contact="Accept: application/sdp"), 200),
    Case("transports", "3.1.1.10", plain("transports", "OPTIONS", more="""
Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bK.sctp
Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK.tls
Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bK.unknown
Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK.tcp"""), 200),
    Case("mpart01", "3.1.1.11", plain("mpart01", "MESSAGE",
        kind='Content-Type: multipart/mixed; boundary="next"'), 405, _MIME),
)  # fmt: skip

INVALID = (
    Case("badinv01", "3.1.2.1", plain("badinv01", "INVITE", via="Via: SIP/2.0/UDP {me};;,;,,",
        contact='Contact: "Joe" <sip:joe@example.org>;;;;'), 400, SDP),
    Case("clerr", "3.1.2.2", plain("clerr", "INVITE", length="Content-Length: 9999"), 400, SDP),
    Case("ncl", "3.1.2.3", plain("ncl", "INVITE", length="Content-Length: -999"), 400, SDP),
    Case("scalar02", "3.1.2.4", plain("scalar02", "REGISTER", "sip:example.com", hops="Max-Forwards: 300",
        cseq="CSeq: 36893488147419103232 REGISTER", contact="Contact: <sip:user@{me}>;expires=280297596632815",
        more="Expires: 10000000000000000000000000000000000"), 400),
    Case("scalar02: CSeq", "3.1.2.4", plain("scalar02a", "OPTIONS", cseq="CSeq: 36893488147419103232 OPTIONS"), 400),
    Case("scalar02: hops", "3.1.2.4", plain("scalar02b", "OPTIONS", hops="Max-Forwards: 300"), 400),
    Case("scalarlg", "3.1.2.5", plain("scalarlg", "OPTIONS", line="SIP/2.0 503 Service Unavailable",
        cseq="CSeq: 9292394834772304023312 OPTIONS", more="Retry-After: 949302838503028349304023988\n"
        "Warning: 1812 overture \"In Progress\""), NOTHING),
    Case("quotbal", "3.1.2.6", plain("quotbal", "INVITE", to='To: "Mr. J. User <sip:hotline@example.com>'), 400, SDP),
    Case("ltgtruri", "3.1.2.7", plain("ltgtruri", "INVITE", "<sip:hotline@example.com>"), 400, SDP),
    Case("lwsruri", "3.1.2.8", plain("lwsruri", "INVITE", "sip:hotline@example.com; lr"), 400, SDP),
    Case("lwsstart", "3.1.2.9", plain("lwsstart", "INVITE", line="INVITE  sip:hotline@example.com  SIP/2.0"), 400, SDP),
    Case("trws", "3.1.2.10", plain("trws", "OPTIONS", line="OPTIONS sip:hotline@example.com SIP/2.0  "), 400),
    Case("escruri", "3.1.2.11", plain("escruri", "INVITE", "sip:hotline@example.com?Route=%3Csip:example.com%3E"),
        400, SDP),
    # 400 or as if there were no Date: we never read it.
    Case("baddate", "3.1.2.12", plain("baddate", "INVITE", more="Date: Fri, 01 Jan 2010 16:00:00 EST"), CALL, SDP),
    Case("regbadct", "3.1.2.13", plain("regbadct", "REGISTER", "sip:example.com", to=ANNA,
        contact="Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E"), 400),
    # Both may be refused; we take the address that is meant, for it is a customer's.
    Case("badaspec", "3.1.2.14", plain("badaspec", "OPTIONS",
        to='To: "Watson, Thomas" < sip:t.watson@example.org >'), 200),
    Case("baddn", "3.1.2.15", plain("baddn", "OPTIONS",
        **{"from": "From: Bell, Alexander <sip:a.g.bell@example.com>;tag=43"}), 200),
    Case("badvers", "3.1.2.16", plain("badvers", "OPTIONS", line="OPTIONS sip:hotline@example.com SIP/7.0",
        via="Via: SIP/7.0/UDP {me};branch=z9hG4bK.badvers"), 505),
    Case("mismatch01", "3.1.2.17", plain("mismatch01", "OPTIONS", cseq="CSeq: 8 INVITE"), 400),
    # 400, or 501 of who looks at the method first.
    Case("mismatch02", "3.1.2.18", plain("mismatch02", "NEWMETHOD", cseq="CSeq: 8 INVITE"), 400),
    Case("bigcode", "3.1.2.19", plain("bigcode", "OPTIONS", line="SIP/2.0 4294967301 better not break"), NOTHING),
)  # fmt: skip

LAYERS = (
    Case("badbranch", "3.2.1", plain("badbranch", "OPTIONS", via="Via: SIP/2.0/UDP {me};branch=z9hG4bK"), 200),
    Case("insuf", "3.3.1", plain("insuf", "INVITE", call_id="", to="", **{"from": ""}), 400, SDP),
    Case("unkscm", "3.3.2", plain("unkscm", "OPTIONS", "nobodyKnowsThisScheme:totallyopaquecontent"), 416),
    Case("novelsc", "3.3.3", plain("novelsc", "OPTIONS", "soap.beep://192.0.2.103:3002"), 416),
    Case("unksm2", "3.3.4", plain("unksm2", "REGISTER", "sip:example.com", to="To: isbn:2983792873",
        contact="Contact: <name:John_Smith>", **{"from": "From: <http://www.example.com>;tag=3234233"}), 404),
    Case("bext01", "3.3.5", plain("bext01", "OPTIONS",
        more="Require: nothingSupportsThis, nothingSupportsThisEither\nProxy-Require: noProxiesSupportThis"), 420),
    Case("invut", "3.3.6", plain("invut", "INVITE", kind="Content-Type: application/unknownformat"), 415,
        "<audio>\r\n <pcmu port=\"443\"/>\r\n</audio>\r\n"),
    Case("regaut01", "3.3.7", plain("regaut01", "REGISTER", "sip:example.com", to=ANNA,
        more="Authorization: NoOneKnowsThisScheme opaque-data=here"), 401),
    Case("multi01", "3.3.8", plain("multi01", "INVITE",
        more="CSeq: 59 INVITE\nCall-ID: another\nTo: sip:j@example.com\nFrom: sip:x@example.com;tag=2\n"
        "Max-Forwards: 5\nContact: <sip:k@192.0.2.5>\nContent-Type: text/plain"), 400, SDP),
    Case("mcl01", "3.3.9", plain("mcl01", "OPTIONS", length="Content-Length: 13\nContent-Length: 5"), 400,
        "There's no way to know how many octets are supposed to be here."),
    Case("bcast", "3.3.10", plain("bcast", "INVITE", line="SIP/2.0 200 OK",
        via="Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\nVia: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK.b"),
        NOTHING, SDP),
    Case("zeromf", "3.3.11", plain("zeromf", "OPTIONS", hops="Max-Forwards: 0"), 200),
    Case("cparam01", "3.3.12", plain("cparam01", "REGISTER", "sip:example.com", to=ANNA,
        contact="Contact: sip:+19725552222@{me};unknownparam"), 401),
    Case("cparam02", "3.3.13", plain("cparam02", "REGISTER", "sip:example.com", to=ANNA,
        contact="Contact: <sip:+19725552222@{me};unknownparam>"), 401),
    Case("regescrt", "3.3.14", plain("regescrt", "REGISTER", "sip:example.com", to=ANNA,
        contact="Contact: <sip:user@{me}?Route=%3Csip:sip.example.com%3E>"), 401),
    Case("sdp01", "3.3.15", plain("sdp01", "INVITE", more="Accept: text/nobodyKnowsThis"), 406, SDP),
    Case("inv2543", "3.4.1", '''
INVITE sip:hotline@example.com SIP/2.0
Via: SIP/2.0/UDP {me}
From: <sip:+13035551111@ift.client.example.net;user=phone>
Record-Route: <sip:hotline@{me};maddr=127.0.0.1>
To: sip:+16505552222@ss1.example.net;user=phone
Call-ID: inv2543.1717@ift.client.example.com
CSeq: 56 INVITE
Content-Type: application/sdp
''', CALL, SDP),
)  # fmt: skip

ALL = {case.name: case for case in (*VALID, *INVALID, *LAYERS)}
