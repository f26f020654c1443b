import { IANAZone } from "luxon";
import type { Problem } from "./problem.ts";
import type { Path, YamlFile } from "./yaml-file.ts";

/** Empty for a time zone that this machine's data knows. */
export function timeZoneProblem(file: YamlFile, path: Path, zone: string): Problem[] {
  if (IANAZone.isValidZone(zone)) return [];
  return [
    file.problem(path, {
      code: "VALUE_UNKNOWN",
      message: `\`${zone}\` is no time zone`,
      remedy: "Write an IANA name such as Asia/Shanghai.",
    }),
  ];
}
