/**
 * Adds to the amount of a name. The lists are parallel; that of the names is replaced where one is
 * new, as copies share it.
 */
export function addAmount(
  names: readonly string[],
  amounts: number[],
  name: string,
  amount: number,
): readonly string[] {
  const place = names.indexOf(name);
  if (place >= 0) {
    amounts[place] = (amounts[place] ?? 0) + amount;
    return names;
  }
  amounts.push(amount);
  return [...names, name];
}
