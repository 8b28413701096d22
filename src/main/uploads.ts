/** Files of the page that have no path on this machine, such as a picture from the clipboard. */
import { toErrorShape } from '../contract/errors';
import type { Core } from '../core/core';

const UPLOAD_PATH = /^\/upload\/([\w-]{1,64})$/;

/** The answer to a `PUT` with a ticket of `files.prepareUpload`; undefined for any other request. */
export function receiveUpload(
  core: Pick<Core, 'receiveUpload'>,
  request: Request,
): Promise<Response> | undefined {
  const uploadId = UPLOAD_PATH.exec(new URL(request.url).pathname)?.[1];
  if (request.method !== 'PUT' || uploadId === undefined) return undefined;
  // Of an empty file there is no body.
  const chunks = (request.body ?? new Blob().stream()) as unknown as AsyncIterable<Uint8Array>;
  return core.receiveUpload(uploadId, chunks).then(
    () => new Response(null, { status: 204 }),
    (thrown: unknown) => {
      const error = toErrorShape(thrown);
      return Response.json({ error }, { status: error.code === 'UNKNOWN_UPLOAD' ? 404 : 422 });
    },
  );
}
