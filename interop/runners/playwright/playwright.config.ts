import { defineConfig } from "@playwright/test";

export default defineConfig({
  globalSetup: "../set-up.mjs",
  workers: 2,
  fullyParallel: true,
  outputDir: "../../node_modules/.playwright-results",
});
