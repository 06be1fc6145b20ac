import { expect } from "@playwright/test";
import { Mismatch } from "mailward-testing";

import { send } from "../letters.cjs";
import { test } from "./fixtures.js";

test("the letter for Friday is sent, and no other", async ({ twin, world, request }) => {
  const waiting = world.mail.waitFor({ to: "asha", subject: "Clinic on Friday" });
  await send(twin, world, "Clinic on Friday");
  const message = await waiting;
  expect(message.Attachments.map((one) => one.FileName)).toEqual(["letter.pdf"]);
  await world.mail.assertReceived({ count: 1 });
  await expect(world.mail.assertReceived({ subject: "Clinic on Sunday" })).rejects.toThrow(Mismatch);
  await world.assertConduct("uses-tls", { version_min: "1.3" });
  const page = await request.get(`${world.url}/view/latest.txt`);
  expect((await page.text()).trim()).toBe("At ten o'clock.");
});
