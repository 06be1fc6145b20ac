import { defineConfig } from "vitest/config";

export default defineConfig({
  cacheDir: "../../node_modules/.vite",
  test: { globalSetup: ["../set-up.mjs"], maxWorkers: 2 },
});
