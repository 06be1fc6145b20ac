"""A session as Python's own library speaks it: port and CA file are given."""

import poplib
import ssl
import sys

port, ca_file = int(sys.argv[1]), sys.argv[2]
context = ssl.create_default_context(cafile=ca_file)


def connect():
    return poplib.POP3_SSL("localhost", port, context=context, timeout=20)


box = connect()
assert b"ready" in box.getwelcome()
capabilities = box.capa()
assert "TOP" in capabilities and capabilities["SASL"] == ["PLAIN", "XOAUTH2"], capabilities
try:
    box.user("asha@northmoor.example")
    box.pass_("wrong")
    raise SystemExit("a wrong password signs in")
except poplib.error_proto as error:
    assert error.args[0].startswith(b"-ERR"), error
box.user("asha@northmoor.example")
box.pass_("secret")

other = connect()
other.user("asha@northmoor.example")
try:
    other.pass_("secret")
    raise SystemExit("two sessions have one maildrop")
except poplib.error_proto as error:
    assert b"IN-USE" in error.args[0], error
other.close()

count, octets = box.stat()
assert count == 3, count
_, sizes, _ = box.list()
assert sum(int(line.split()[1]) for line in sizes) == octets
_, lines, _ = box.retr(1)
assert lines[-2:] == [b".", b"..dots"], lines
_, top, _ = box.top(1, 1)
assert top[-1] == b"Hello", top
_, ids, _ = box.uidl()
assert len({line.split()[1] for line in ids}) == 3, ids
assert box.uidl(2).split()[2] == ids[1].split()[1]
box.dele(1)
box.dele(2)
box.rset()
box.dele(1)
box.noop()
box.quit()

box = connect()
box.user("asha@northmoor.example")
box.pass_("secret")
assert box.uidl()[1][0].split()[1] == ids[1].split()[1]
box.quit()
print("done")
