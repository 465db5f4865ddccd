import type { ErrorKind } from "../base/errors.ts";

/** The HTTP status of each kind of failure. */
export const statusOfKind: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  notFound: 404,
  conflict: 409,
  notModified: 304,
  unavailable: 503,
  notImplemented: 501,
  exhausted: 500,
  corrupt: 500,
  cancelled: 499,
  deadline: 504,
  system: 500,
};
