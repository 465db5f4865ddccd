import type { ContainerState } from "../../containers/containers.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** A span of milliseconds in Docker's words: `About a minute`, `3 hours`, `2 weeks`. */
export function humanDuration(milliseconds: number): string {
  if (milliseconds < second) return "Less than a second";
  if (milliseconds < 2 * second) return "1 second";
  if (milliseconds < minute) return `${Math.floor(milliseconds / second)} seconds`;
  if (milliseconds < 2 * minute) return "About a minute";
  if (milliseconds < hour) return `${Math.floor(milliseconds / minute)} minutes`;
  const hours = Math.floor(milliseconds / hour + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(milliseconds / day / 365)} years`;
}

/** The status column of `docker ps`: `Up 3 minutes`, `Exited (0) 2 hours ago`. */
export function statusText(state: ContainerState, now: number): string {
  const up = `Up ${humanDuration(now - Date.parse(state.startedAt))}`;
  const ended = `${humanDuration(now - Date.parse(state.finishedAt))} ago`;
  switch (state.status) {
    case "running":
      return up;
    case "paused":
      return `${up} (Paused)`;
    case "restarting":
      return `Restarting (${state.exitCode}) ${ended}`;
    case "removing":
      return "Removal In Progress";
    case "dead":
      return "Dead";
    case "created":
      return "Created";
    case "exited":
      return `Exited (${state.exitCode}) ${ended}`;
  }
}
