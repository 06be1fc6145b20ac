const { Mismatch, connectTwin } = require("mailward-testing");

const { send } = require("../letters.cjs");

const twin = connectTwin();
let world;

beforeEach(async () => {
  world = await twin.world();
});
afterEach(() => world.delete());

test("the letter for Tuesday is sent, and no other", async () => {
  const waiting = world.mail.waitFor({ to: "asha", subject: "Clinic on Tuesday" });
  await send(twin, world, "Clinic on Tuesday");
  const message = await waiting;
  expect(message.Attachments.map((one) => one.FileName)).toEqual(["letter.pdf"]);
  await world.mail.assertReceived({ count: 1 });
  await expect(world.mail.assertReceived({ subject: "Clinic on Sunday" })).rejects.toThrow(Mismatch);
  await world.assertConduct("uses-tls", { version_min: "1.3" });
});
