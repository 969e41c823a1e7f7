/** A choice kept in this browser; one that is not among the known ones counts as none. */
export interface Remembered<V extends string> {
  get(): V | undefined;
  set(value: V): void;
}

export function remembered<V extends string>(key: string, known: readonly V[]): Remembered<V> {
  return {
    get() {
      const found = window.localStorage.getItem(key);
      return known.find((each) => each === found);
    },
    set(value) {
      window.localStorage.setItem(key, value);
    },
  };
}
