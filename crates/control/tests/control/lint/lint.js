// Runs Microsoft's rules for ARM (LintDiff) over a Swagger document: node lint.js SWAGGER FOLDER
//
// The document that is served has everything in it, and the rules want what all providers share to be referred
// to where it lies in Microsoft's own tree. So it is taken apart first: what it marks with `x-isobar-common`
// goes to a file of that place below FOLDER, and every reference to it follows. Nothing else is changed.
//
// Prints `{"rules": [names], "problems": [{rule, at, message}]}`. Packages are found by NODE_PATH.
"use strict";
const fs = require("fs");
const path = require("path");
const { pathToFileURL } = require("url");
const { Spectral, Document } = require("@stoplight/spectral-core");
const { Json } = require("@stoplight/spectral-parsers");
const { Resolver } = require("@stoplight/spectral-ref-resolver");
const { lint: lintNatively, OpenApiTypes } = require("@microsoft.azure/openapi-validator-core");
const {
  spectralRulesets,
  nativeRulesets,
  deleteRulesPropertiesInPayloadNotValidForSpectralRules: stripUnknown,
} = require("@microsoft.azure/openapi-validator-rulesets");

const COMMON = "common-types/resource-management/v6/types.json";
const OURS = "Isobar.Storage/resource-manager/Isobar.Storage/stable";

/** Takes what all providers share out of a document: both, the one with references to the other by its path. */
function takeApart(served) {
  const ours = structuredClone(served);
  const common = { swagger: "2.0", info: { title: "Common types", version: "v6" }, paths: {} };
  const moved = new Set();
  for (const kind of ["definitions", "parameters"]) {
    common[kind] = {};
    for (const [name, one] of Object.entries(ours[kind])) {
      if (!one["x-isobar-common"]) continue;
      delete one["x-isobar-common"];
      common[kind][name] = one;
      delete ours[kind][name];
      moved.add(`#/${kind}/${name}`);
    }
  }
  const follow = (value) => {
    if (value === null || typeof value !== "object") return;
    if (moved.has(value.$ref)) value.$ref = `${"../".repeat(5)}${COMMON}${value.$ref}`;
    Object.values(value).forEach(follow);
  };
  follow(ours);
  return { ours, common };
}

/** The rules that are written for Spectral, those that are no longer or not yet asked of everybody included. */
async function withSpectral(file) {
  // They have members for Microsoft's own pipeline that Spectral does not know.
  stripUnknown(spectralRulesets.azARM);
  const fromFiles = { resolve: async (uri) => fs.readFileSync(uri.path(), "utf8") };
  const spectral = new Spectral({ resolver: new Resolver({ resolvers: { file: fromFiles } }) });
  spectral.setRuleset(spectralRulesets.azARM);
  const found = await spectral.run(new Document(fs.readFileSync(file, "utf8"), Json, file));
  const problems = found.map(({ code, path: at, message }) => ({ rule: String(code), at: at.join("/"), message }));
  return { rules: Object.keys(spectral.ruleset.rules), problems };
}

/** The older ones, which are not. */
async function withoutSpectral(file) {
  const rules = { ...nativeRulesets.azCommon.rules, ...nativeRulesets.azArm.rules };
  const ruleSet = { documentationUrl: "", rules };
  const found = await lintNatively([pathToFileURL(file).href], { ruleSet, openapiType: OpenApiTypes.arm });
  const problems = found.map(({ code, jsonpath: at, message }) => ({ rule: code, at: [at].flat().join("/"), message }));
  return { rules: Object.keys(rules), problems };
}

async function lint(document, folder) {
  const { ours, common } = takeApart(JSON.parse(fs.readFileSync(document, "utf8")));
  const file = path.join(folder, OURS, ours.info.version, "isobar.json");
  for (const [name, part] of [[path.join(folder, COMMON), common], [file, ours]]) {
    fs.mkdirSync(path.dirname(name), { recursive: true });
    fs.writeFileSync(name, JSON.stringify(part, null, 1));
  }
  const told = [await withSpectral(file), await withoutSpectral(file)];
  return { rules: told.flatMap(({ rules }) => rules), problems: told.flatMap(({ problems }) => problems) };
}

lint(process.argv[2], path.resolve(process.argv[3])).then(
  (told) => console.log(JSON.stringify(told)),
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
