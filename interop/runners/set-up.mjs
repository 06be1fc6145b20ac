// For Vitest and Playwright: one twin for the run; each worker connects to it.

import { startTwin } from "mailward-testing";

export default async function setUp() {
  const twin = await startTwin({ arguments: ["--limits", "off"] });
  process.env.MAILWARD_URL = twin.url;
  process.env.MAILWARD_TOKEN = twin.token;
  return async () => {
    const left = await twin.worlds();
    await twin.stop();
    if (left.length > 0) throw new Error(`worlds are left: ${left}`);
  };
}
