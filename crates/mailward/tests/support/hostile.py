"""A submission server with many doors, each with a fault of its own.

    python3 hostile.py DIR DOORS

DIR has leaf.pem and leaf.key, a certificate for localhost. DOORS is a JSON
object: the name of a door, and its fault as STAGE:ACTION or `slow` or `none`.

| action | what the server does at that stage |
| --- | --- |
| silent | says nothing any more |
| drop | closes the connection |
| once-drop | the same, in the door's first session alone |
| absent | does not offer it |
| a reply | says that; after 421 it closes |
| once-REPLY | says that in the door's first session alone |

Stages: greeting ehlo starttls tls auth mail rcpt data body dot. At dot the
message is taken all the same. While DIR/mended is there, nothing is wrong.

Prints the doors' ports as JSON; each message taken is a line of DIR/taken.
Ends with its standard input.
"""

import json, os, socket, ssl, sys, threading, time

dir, doors = sys.argv[1], json.loads(sys.argv[2])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(os.path.join(dir, "leaf.pem"), os.path.join(dir, "leaf.key"))
lock = threading.Lock()


class Over(Exception):
    pass


class Session:
    def __init__(self, connection, name, number):
        self.connection, self.name = connection, name
        self.lines = connection.makefile("rb")
        fault = doors[name]
        self.slow = fault == "slow"
        self.stage, _, self.action = fault.partition(":")
        if self.action.startswith("once-"):
            self.action = self.action[5:] if number == 0 else ""

    def fault(self, stage):
        if stage != self.stage or os.path.exists(os.path.join(dir, "mended")):
            return ""
        return self.action

    def say(self, stage, text):
        fault = self.fault(stage)
        if self.slow:
            time.sleep(0.2)
        if fault == "silent":
            # Until the client has enough of it.
            while self.connection.recv(4096):
                pass
            raise Over
        if fault == "drop":
            raise Over
        if fault and fault != "absent":
            text = fault
        self.connection.sendall(text.encode() + b"\r\n")
        if text.startswith("421"):
            raise Over
        return text[0] in "23"

    def line(self):
        line = self.lines.readline()
        if not line:
            raise Over
        return line.decode("latin-1").strip()

    def ehlo(self, stage, offer):
        if self.line().upper().startswith("EHLO"):
            self.say(stage, "250-hostile.northmoor.example\r\n" + offer)

    def body(self):
        text = b""
        while True:
            line = self.lines.readline()
            if not line or self.fault("body") == "drop":
                raise Over
            if line == b".\r\n":
                return text
            text += line

    def serve(self):
        self.say("greeting", "220 hostile.northmoor.example ESMTP")
        absent = self.fault("starttls") == "absent"
        self.ehlo("ehlo", "250 SIZE" if absent else "250 STARTTLS")
        while self.line().upper() != "STARTTLS":
            self.say("", "530 5.7.0 Must issue a STARTTLS command first")
        self.say("starttls", "220 2.0.0 Go ahead")
        self.say("tls", "") if self.fault("tls") else None
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.lines = self.connection.makefile("rb")
        self.ehlo("", "250 AUTH LOGIN")
        to = []
        while True:
            line = self.line()
            verb = line.split(" ")[0].upper()
            if verb == "AUTH":
                given = len(line.split(" ")) - 2
                while given < 2:
                    self.say("", ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"][given])
                    self.line()
                    given += 1
                self.say("auth", "235 2.7.0 Authentication successful")
            elif verb == "MAIL":
                to = []
                self.say("mail", "250 2.1.0 OK")
            elif verb == "RCPT":
                if self.say("rcpt", "250 2.1.5 OK"):
                    to.append(line)
            elif verb == "DATA" and not to:
                self.say("", "554 5.5.1 No valid recipients")
            elif verb == "DATA":
                if self.say("data", "354 Go ahead"):
                    self.body()
                    with lock, open(os.path.join(dir, "taken"), "a") as file:
                        file.write(self.name + "\n")
                    self.say("dot", "250 2.6.0 Queued mail for delivery")
            elif verb == "QUIT":
                self.say("", "221 2.0.0 Bye")
                raise Over
            else:
                self.say("", "250 2.0.0 OK")


def guarded(connection, name, number):
    try:
        session = Session(connection, name, number)
        session.serve()
    except (Over, OSError, ValueError):
        pass
    finally:
        connection.close()
        if "session" in locals():
            session.connection.close()


def listen(listener, name):
    number = 0
    while True:
        connection, _ = listener.accept()
        worker = threading.Thread(target=guarded, args=(connection, name, number), daemon=True)
        worker.start()
        number += 1


ports = {}
for name in doors:
    listener = socket.create_server(("127.0.0.1", 0))
    ports[name] = listener.getsockname()[1]
    threading.Thread(target=listen, args=(listener, name), daemon=True).start()
print(json.dumps(ports), flush=True)
sys.stdin.read()
