/** What all of these give, in their order. When some fail, the error of the first comes once none is under way any more. */
export async function together<T extends readonly unknown[]>(
  works: readonly [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  for (const ended of await Promise.allSettled(works)) {
    if (ended.status === 'rejected') {
      throw ended.reason;
    }
  }
  return (await Promise.all(works)) as unknown as T;
}
