// The application that the runners' tests look at: it signs in and sends one
// letter, and trusts the twin by its own authority.

const nodemailer = require("nodemailer");

exports.send = async (twin, world, subject) => {
  const [host, port] = (await world.ports()).submission.split(":");
  const account = await world.account("application");
  const smtp = nodemailer.createTransport({
    host,
    port: Number(port),
    requireTLS: true,
    tls: { ca: await twin.ca(), servername: "localhost" },
    auth: { user: account.address, pass: account.password },
  });
  await smtp.sendMail({
    from: account.address,
    to: "asha.sample@northmoor.example",
    subject,
    text: "At ten o'clock.",
    attachments: [{ filename: "letter.pdf", content: "%PDF-1.7" }],
  });
  smtp.close();
};
