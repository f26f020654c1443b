const { charCodeAt } = String.prototype;

/**
 * `text.charCodeAt(i)` for loops over texts of every kind (flat, joined, cut, names, one byte a unit
 * or two): where there are more than four, asking each text for its method takes longer than the rest.
 */
export const unitAt = (text: string, i: number): number => charCodeAt.call(text, i);
