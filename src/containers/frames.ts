/** Docker's stream framing (Engine API, ContainerAttach): a header of eight bytes before each piece of output. */
export const frameHeaderSize = 8;

/** One frame; stream 1 is stdout, 2 stderr. */
export function frame(stream: 1 | 2, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeaderSize + payload.length);
  bytes.writeUInt32BE(stream << 24, 0);
  bytes.writeUInt32BE(payload.length, 4);
  bytes.set(payload, frameHeaderSize);
  return bytes;
}
