// The package for ES modules: the objects of `index.js`, whoever bundles this.

import { createRequire } from "node:module";

export const { Clock, Faults, Mail, MailwardError, Mismatch, Twin, World, connectTwin, startTwin } = createRequire(
  import.meta.url,
)("./index.js");
