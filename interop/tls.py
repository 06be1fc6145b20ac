"""testssl.sh looks at a TLS port: nothing of medium severity or above but what
is named here.

Beside the ready object's own fields, `look_at` says which endpoint, and in
which protocol STARTTLS is asked for, if in any.
"""

import json

from twin import ca_file, home, port, ready, run

# A development authority has no place to revoke at, and its certificates hold
# on whatever day the clock is set to.
EXPECTED = {"cert_revocation", "cert_validityPeriod"}

# Of the weaknesses with a name, each by itself. Renegotiation is asked for by
# HTTPS alone: elsewhere the look waits for time-outs, and all ports share one
# TLS. BREACH is HTTPS's too, of its first page.
WEAKNESSES = [
    "-H", "-I", "-T", "-BB", "-C", "-O", "-Z", "-W", "-A", "-L", "-4", "-F", "-J", "-D",
]

endpoint, *starttls = ready["look_at"]
weaknesses = {
    "imaps": WEAKNESSES,
    "pop3s": WEAKNESSES,
    "submission": WEAKNESSES,
    "https": [*WEAKNESSES, "-R", "-B"],
}.get(endpoint, [])
results = home / "results.json"
status, printed = run(
    "testssl", "--quiet", "--color", "0", "--warnings", "off", "--ip", "one",
    # Protocols, preferences, and the server's own facts.
    "-p", "-P", "-S", *weaknesses,
    "--add-ca", ca_file, "--jsonfile", results,
    *(["--starttls", *starttls] if starttls else []), f"localhost:{port(endpoint)}",
    timeout=280,
)
found = {one["id"]: one for one in json.loads(results.read_text())}
for wanted in ("TLS1_2", "TLS1_3", "cipher_order", "cert_chain_of_trust"):
    assert wanted in found, (wanted, printed)
for one in found.values():
    harmless = one["severity"] in ("OK", "INFO", "LOW", "WARN", "DEBUG")
    assert harmless or one["id"] in EXPECTED, one
for gone in ("SSLv2", "SSLv3", "TLS1", "TLS1_1"):
    assert found[gone]["severity"] in ("OK", "INFO"), found[gone]
assert found["cert_chain_of_trust"]["severity"] == "OK", found["cert_chain_of_trust"]
if weaknesses:
    for weakness in ("heartbleed", "ROBOT", "POODLE_SSL", "SWEET32", "LOGJAM", "RC4"):
        assert found[weakness]["severity"] in ("OK", "INFO"), found[weakness]
print("done")
