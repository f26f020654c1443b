/** Waits for an end, for so long at the most: true when it came, and well. */
export async function within(end: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const came = end.then(
    () => true,
    () => false,
  );
  const result = await Promise.race([came, late]);
  clearTimeout(timer);
  return result;
}
