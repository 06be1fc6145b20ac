// Types of the package for who requires it.
import testing = require("mailward-testing");

export const world = async (): Promise<testing.World> => testing.connectTwin().world({ clockHeld: true });
