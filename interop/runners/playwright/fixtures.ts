import { test as base } from "@playwright/test";
import { type Twin, type World, connectTwin } from "mailward-testing";

export const test = base.extend<{ world: World }, { twin: Twin }>({
  twin: [async ({}, use) => use(connectTwin()), { scope: "worker" }],
  world: async ({ twin }, use) => {
    await using world = await twin.world();
    await use(world);
  },
});
