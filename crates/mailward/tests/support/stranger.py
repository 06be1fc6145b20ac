"""What the gateway talks to in the tests of what it lets out: a mail server
that repeats every address and subject in its replies, a callback that repeats
what it was told, and a collector of traces. Standard library only.

    stranger.py FOLDER    prints one JSON object with the ports, then serves

What the mail server does stands before the first dash of a recipient:
gone, busy, odd, end, cut, held; everything else is taken.
FOLDER holds leaf.pem and leaf.key; what the collector got goes to spans.bin.
"""

import base64, http.server, json, os, socket, ssl, sys, threading

folder = sys.argv[1]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(os.path.join(folder, "leaf.pem"), os.path.join(folder, "leaf.key"))
greylisted = set()


class Connection:
    def __init__(self, sock):
        self.sock, self.lines = sock, sock.makefile("rb")
        self.seen, self.secure = [], False

    def say(self, text):
        self.sock.sendall(text.encode() + b"\r\n")

    def line(self):
        return self.lines.readline().decode(errors="replace").rstrip("\r\n")

    def serve(self):
        self.say("220 localhost ready")
        while True:
            line = self.line()
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                offers = ["localhost", "PIPELINING", "SIZE 40000000", "8BITMIME", "SMTPUTF8", "DSN"]
                offers.append("AUTH LOGIN PLAIN" if self.secure else "STARTTLS")
                for offer in offers[:-1]:
                    self.say("250-" + offer)
                self.say("250 " + offers[-1])
            elif verb == "STARTTLS":
                self.say("220 2.0.0 go ahead")
                self.sock = context.wrap_socket(self.sock, server_side=True)
                self.lines, self.secure = self.sock.makefile("rb"), True
            elif verb == "AUTH":
                self.auth(line)
            elif verb == "MAIL":
                self.seen = []
                self.say("250 2.1.0 Sender OK")
            elif verb == "RCPT":
                self.rcpt(line[line.index("<") + 1:line.index(">")])
            elif verb == "DATA":
                if not self.data():
                    return
            elif verb in ("RSET", "NOOP"):
                self.say("250 2.0.0 OK")
            else:
                self.say("221 2.0.0 bye")
                return

    def auth(self, line):
        if line.upper().startswith("AUTH LOGIN"):
            self.say("334 VXNlcm5hbWU6")
            user = base64.b64decode(self.line()).decode()
            self.say("334 UGFzc3dvcmQ6")
            password = base64.b64decode(self.line()).decode()
        else:
            _, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
        if password == "the right password":
            self.say("235 2.7.0 Authentication successful")
        else:
            self.say("535 5.7.3 Authentication unsuccessful for " + user)

    def rcpt(self, address):
        act = address.split("-")[0]
        if act == "gone":
            self.say("550 5.1.1 <%s> User unknown" % address)
        elif act == "busy":
            self.say("451 4.7.1 <%s> Greylisting in action, please come back" % address)
        elif act == "odd":
            self.say("471 4.9.9 <%s> nobody has ever seen this reply" % address)
        else:
            self.seen.append(address)
            self.say("250 2.1.5 <%s> OK" % address)

    def data(self):
        if not self.seen:
            self.say("503 5.5.1 no valid recipients")
            return True
        self.say("354 go on")
        subject = ""
        while True:
            line = self.line()
            if line == ".":
                break
            if line.lower().startswith("subject:"):
                subject = line
        act = self.seen[0].split("-")[0]
        if act == "cut":
            return False
        if act == "end":
            self.say("554 5.6.0 Corrupt message for <%s>: %s" % (self.seen[0], subject))
        elif act == "held":
            self.say("550 5.7.64 TenantAttribution; Relay Access Denied for %s: %s" % (self.seen[0], subject))
        else:
            self.say("250 2.0.0 queued for %s: %s" % (self.seen[0], subject))
        return True


def connection(sock):
    try:
        Connection(sock).serve()
    except (OSError, ValueError, IndexError):
        pass
    finally:
        sock.close()


def smtp():
    listener = socket.create_server(("127.0.0.1", 0))
    def accept():
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=connection, args=[sock], daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


class Hook(http.server.BaseHTTPRequestHandler):
    """Repeats what it was told, as an error."""
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response_only(500, "cannot take it")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


class Collector(Hook):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        with open(os.path.join(folder, "spans.bin"), "ab") as spans:
            spans.write(len(body).to_bytes(4, "big") + body)
        self.send_response(200)
        self.send_header("content-type", self.headers["content-type"])
        self.send_header("content-length", "0")
        self.end_headers()


def web(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


print(json.dumps({"smtp": smtp(), "hook": web(Hook), "collector": web(Collector)}), flush=True)
sys.stdin.read()
