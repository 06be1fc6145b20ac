"""Thunderbird without a window: it signs in with a saved password, fetches
what is in INBOX, idles, and fetches what comes meanwhile. The twin refuses
nothing that it says.
"""

import base64
import ctypes
import json
import os
import re
import signal
import subprocess
import time

from twin import ca_file, home, imap, letter, password, port, put, submit, succeed

me = "thunderbird@northmoor.example"
PATIENCE_SECONDS = 100
profile = home / "profile"
profile.mkdir()
log = home / "imap.log"


class Item(ctypes.Structure):
    """NSS's SECItem."""

    _fields_ = [("type", ctypes.c_uint), ("data", ctypes.c_void_p), ("len", ctypes.c_uint)]


def save_password():
    """As the program's own password manager keeps it."""
    nss = ctypes.CDLL("libnss3.so")
    nss.PK11_GetInternalKeySlot.restype = ctypes.c_void_p
    nss.PK11_CheckUserPassword.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    nss.PK11_FreeSlot.argtypes = [ctypes.c_void_p]
    assert nss.NSS_InitReadWrite(b"sql:%s" % str(profile).encode()) == 0
    slot = nss.PK11_GetInternalKeySlot()
    assert nss.PK11_CheckUserPassword(slot, b"") == 0
    nss.PK11_FreeSlot(slot)

    def sealed(text):
        octets = ctypes.create_string_buffer(text.encode(), len(text))
        plain = Item(0, ctypes.addressof(octets), len(text))
        key, secret = Item(), Item()
        places = [ctypes.byref(one) for one in (key, plain, secret)]
        assert nss.PK11SDR_Encrypt(*places, None) == 0
        return base64.b64encode(ctypes.string_at(secret.data, secret.len)).decode()

    login = {
        "id": 1, "guid": "{5a1b4a57-7c2e-4e51-9d5e-0c1f1f6f2a01}", "encType": 1,
        "hostname": "imap://localhost", "httpRealm": "imap://localhost",
        "formSubmitURL": None, "usernameField": "", "passwordField": "",
        "encryptedUsername": sealed(me), "encryptedPassword": sealed(password(me)),
        "timeCreated": 1, "timeLastUsed": 1, "timePasswordChanged": 1, "timesUsed": 1,
    }
    kept = {"nextId": 2, "logins": [login], "version": 3}
    (profile / "logins.json").write_text(json.dumps(kept))
    assert nss.NSS_Shutdown() == 0


server = "mail.server.server1."
PREFERENCES = {
    "mail.accountmanager.accounts": "account1",
    "mail.accountmanager.defaultaccount": "account1",
    "mail.account.account1.server": "server1",
    "mail.account.account1.identities": "id1",
    "mail.identity.id1.useremail": me,
    "mail.identity.id1.valid": True,
    server + "type": "imap",
    server + "name": "twin",
    server + "hostname": "localhost",
    server + "port": port("imaps"),
    server + "userName": me,
    # Implicit TLS, normal password.
    server + "socketType": 3,
    server + "authMethod": 3,
    server + "login_at_startup": True,
    server + "offline_download": True,
    # Nothing but the twin is asked for anything.
    "network.proxy.type": 0,
    "app.update.enabled": False,
    "extensions.update.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "http://127.0.0.1:1/",
    "app.notifications.url": "http://127.0.0.1:1/",
    "mailnews.start_page.enabled": False,
    "mail.provider.enabled": False,
    "mail.rights.version": 1,
}


def kept():
    """All that is kept of the folders' messages."""
    return b"".join(path.read_bytes() for path in profile.glob("ImapMail/localhost/*[!f]"))


def said():
    """What went over the connections, as the program logs it."""
    return "".join(path.read_text(errors="replace") for path in home.glob("imap.log*"))


def wait_for(find, what):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not find():
        assert time.monotonic() < deadline and program.poll() is None, (what, said()[-5000:])
        time.sleep(0.1)


put(imap(me), "INBOX", "one", "two", "three")
succeed("certutil", "-N", "-d", f"sql:{profile}", "--empty-password")
succeed("certutil", "-A", "-d", f"sql:{profile}", "-n", "twin", "-t", "C,,", "-i", ca_file)
save_password()
lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in PREFERENCES.items()]
(profile / "user.js").write_text("".join(lines))

program = subprocess.Popen(
    ["thunderbird", "--headless", "--no-remote", "--profile", str(profile)],
    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    env=os.environ | {"HOME": str(home), "MOZ_LOG": "IMAP:4,sync", "MOZ_LOG_FILE": str(log)},
    start_new_session=True,
)
try:
    for subject in (b"one", b"two", b"three"):
        wait_for(lambda: b"Subject: " + subject in kept(), subject)
    wait_for(lambda: re.search(r"S-INBOX:SendData: \d+ IDLE", said()), "IDLE")
    smtp = submit(me)
    smtp.send_message(letter(me, me, "meanwhile"))
    smtp.quit()
    wait_for(lambda: b"Subject: meanwhile" in kept(), "what came while it idled")
finally:
    os.killpg(program.pid, signal.SIGKILL)
    program.wait()
refused = re.findall(r"CreateNewLineFromSocket: (?:\d+|\*) (?:BAD|NO|BYE) .*", said())
assert refused == [], refused
print("done")
