/** The time of day when this process began, carried on by a clock that nobody sets: whoever sets the clock of the host does not move it. */
export function steadyNow(): Date {
  return new Date(performance.timeOrigin + performance.now());
}
