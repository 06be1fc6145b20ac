const { startTwin } = require("mailward-testing");

module.exports = async () => {
  const twin = await startTwin({ arguments: ["--limits", "off"] });
  process.env.MAILWARD_URL = twin.url;
  process.env.MAILWARD_TOKEN = twin.token;
  globalThis.mailwardTwin = twin;
};
