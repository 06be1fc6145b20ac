module.exports = {
  globalSetup: "./set-up.cjs",
  globalTeardown: "./tear-down.cjs",
  maxWorkers: 2,
  testMatch: ["**/*.test.cjs"],
};
