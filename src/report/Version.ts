/** The version of this package, as reports and `--version` give it; a test holds it equal to package.json. */
export const version = "0.1.0"
