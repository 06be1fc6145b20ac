"""`mailpit-api-client`, unchanged, reads what Python's own smtplib sent.

The ready object comes on standard input.
"""

import email.message
import json
import smtplib
import ssl
import sys

from mailpit.client.api import API
from mailpit.testing.unittest import EMailTestCase

ready = json.load(sys.stdin)
accounts = {account["kind"]: account for account in reversed(ready["accounts"])}
sender, reader = accounts["application"], accounts["user"]
context = ssl.create_default_context(cafile=ready["ca_file"])


def send(subject):
    message = email.message.EmailMessage()
    message["From"] = sender["address"]
    message["To"] = "Dr Sample <%s>" % reader["address"]
    message["Message-ID"] = "<%s@northmoor.example>" % subject
    message["Date"] = "Tue, 03 Mar 2026 10:00:00 +0000"
    # The client asks for it in every message.
    message["Delivered-To"] = reader["address"]
    message["Subject"] = subject
    message.set_content("At ten o'clock.\n")
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="letter.pdf")
    host, port = ready["twin"]["submission"].rsplit(":", 1)
    with smtplib.SMTP(host, int(port)) as smtp:
        smtp.starttls(context=context)
        smtp.login(sender["address"], sender["password"])
        smtp.send_message(message)


mailpit = API(ready["twin"]["test_api"])
assert mailpit.get_messages().total == 0
send("first")
send("second")
listed = mailpit.get_messages(limit=1)
assert (listed.total, listed.unread, listed.count) == (2, 2, 1), listed
second = mailpit.get_message(listed.messages[0].id)
assert second.subject == "second" and second.text.strip() == "At ten o'clock.", second
assert second.to[0].name == "Dr Sample" and second.to[0].address == reader["address"], second
(attachment,) = second.attachments
assert attachment.file_name == "letter.pdf" and attachment.size == 8, attachment
assert mailpit.get_message_attachment(second.id, attachment.part_id) == "%PDF-1.7"
assert mailpit.get_message_headers(second.id).from_ == [sender["address"]]
assert mailpit.get_messages().unread == 1

# Its own test case.
EMailTestCase.api_url = mailpit.mailpit_url
EMailTestCase.setUpClass()
case = EMailTestCase()
case.assertMessageReceived("first@northmoor.example")
case.assertEqual(second, mailpit.get_message(second.id))

# It sends forms where Mailpit takes JSON.
mailpit.put_messages([second.id], "Read", False)
assert mailpit.get_messages().unread == 2
mailpit.delete_messages([second.id])
assert [one.subject for one in mailpit.get_messages().messages] == ["first"]
mailpit.delete_messages([])
assert mailpit.get_messages().total == 0
print("done")
