/** The same calls, of a process that is killed right before its nth: nothing it does from then on happens. */
export function dyingBefore<Actions extends object>(actions: Actions, change: number): Actions {
  let calls = 0;
  return new Proxy(actions, {
    get(target, name) {
      const call = Reflect.get(target, name) as (...parameters: unknown[]) => unknown;
      return (...parameters: unknown[]) => {
        if (++calls >= change) return Promise.reject(new Error('killed'));
        return call.apply(target, parameters);
      };
    },
  });
}
