// SPDX-License-Identifier: Apache-2.0
// Is FILE a document of OpenAPI? Prints what is wrong, or its version.
import { Validator } from "@seriousme/openapi-schema-validator";

const validator = new Validator();
const found = await validator.validate(process.argv[2]);
console.log(found.valid ? validator.version : JSON.stringify(found.errors, null, 1));
process.exit(found.valid ? 0 : 1);
