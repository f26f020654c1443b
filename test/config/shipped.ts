import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FILES, type FileName } from "../../src/config/load.ts";
import type { YamlFile } from "../../src/config/yaml-file.ts";
import { parseYaml } from "../../src/config/yaml-file.ts";

export const CONFIG_DIR = fileURLToPath(new URL("../../config", import.meta.url));

export const shippedText = (name: FileName): string =>
  readFileSync(`${CONFIG_DIR}/${FILES[name]}`, "utf8");

/** A text that must parse. */
export function yaml(text: string, name = "test.yaml"): YamlFile {
  const { value, problems } = parseYaml(name, text);
  if (value === undefined) throw new Error(problems.map((p) => p.message).join("; "));
  return value;
}
