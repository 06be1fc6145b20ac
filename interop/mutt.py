"""mutt reads, files and deletes by IMAP and POP3, and sends by submission.

On a terminal of its own, for it will not do without: `script` makes one.
"""

from twin import ca_file, equal, home, imap, password, port, put, seen, succeed, write

COMMON = f"""set ssl_force_tls=yes
set ssl_usesystemcerts=no
set ssl_ca_certificates_file={ca_file}
set certificate_file={home}/certificates
set header_cache=""
set message_cachedir=""
set sort=mailbox-order
set confirmcreate=no
set confirmappend=no
set move=no
set mbox_type=mbox
set delete=yes
set quit=yes
set wait_key=no
set tmpdir={home}
"""


def mutt(rc, *more, **streams):
    words = " ".join(["mutt", "-F", str(rc), *more])
    return succeed("script", "--quiet", "--return", "--command", words, "/dev/null", **streams)


me = "mutt@northmoor.example"
secret = password(me)
box = imap(me)

# A letter, sent through the submission endpoint and filed by the service.
text = write("text", "Dear Dr Sample,\n.\n..dots\n")
attached = write("map.txt", "map\n")
sending = write(
    "sendrc",
    f"""{COMMON}set from={me}
set use_from=yes
set smtp_url="smtp://{me}@localhost:{port("submission")}/"
set smtp_pass="{secret}"
set smtp_authenticators="login"
set ssl_starttls=yes
set copy=no
""",
)
mutt(sending, "-s", "sent-by-mutt", "-a", str(attached), "--", me, "<", str(text))
equal([one.split(" ")[0] for one in seen(box, "INBOX")], ["sent-by-mutt"])
equal([one.split(" ")[0] for one in seen(box, '"Sent Items"')], ["sent-by-mutt"])

put(box, "INBOX", "one", "two", "three")
by_imap = write(
    "imaprc",
    f"""{COMMON}set imap_user={me}
set imap_pass="{secret}"
set folder="imaps://localhost:{port("imaps")}/"
set spoolfile="+INBOX"
push "<limit>~A<enter><tag-pattern>~s two<enter><tag-prefix><save-message>=Filed<enter><search>~s three<enter><flag-message><sync-mailbox><quit>"
""",
)
mutt(by_imap)
equal([one.split(" ")[0] for one in seen(box, "Filed")], ["two"])
equal(
    [one.replace(" \\Seen", "") for one in seen(box, "INBOX")],
    ["sent-by-mutt", "one", "three \\Flagged"],
)

by_pop = write(
    "poprc",
    f"""{COMMON}set pop_user={me}
set pop_pass="{secret}"
set spoolfile="pops://localhost:{port("pop3s")}/"
set folder={home}
push "<first-entry><copy-message>+copied<enter><search>~s one<enter><delete-message><sync-mailbox><quit>"
""",
)
mutt(by_pop)
assert "Subject: sent-by-mutt\n" in (home / "copied").read_text()
equal([one.split(" ")[0] for one in seen(box, "INBOX")], ["sent-by-mutt", "three"])
print("done")
