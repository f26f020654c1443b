import { Jieba } from "@node-rs/jieba";
import { dict } from "@node-rs/jieba/dict.js";

let jieba: Jieba | undefined;

/**
 * The words of a text, one after the other and nothing left out. By the dictionary alone: what it
 * does not know stays in single characters, and the same text always gives the same words.
 */
export function segmented(text: string): readonly string[] {
  jieba ??= Jieba.withDict(dict);
  return jieba.cut(text, false);
}
