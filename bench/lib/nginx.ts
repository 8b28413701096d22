/** nginx as a peer: one worker, sendfile, on loopback. */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { findPeer, freePort, scratchFolder, startPeer } from './programs';

/** Starts nginx over `root`; undefined when it is not installed. Resolves to its port once it listens. */
export async function startNginx(root: string, extra = ''): Promise<number | undefined> {
  const nginx = findPeer('nginx');
  if (!nginx) return undefined;
  const port = await freePort();
  const folder = scratchFolder();
  const config = join(folder, 'nginx.conf');
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  writeFileSync(
    config,
    `${user} daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 4096; }
http {
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  ${extra}
  server { listen 127.0.0.1:${port} backlog=4096; root ${root}; }
}`,
  );
  startPeer(nginx, ['-c', config, '-p', folder]);
  await accepting(port);
  return port;
}

/** Resolves when something accepts connections on the port. */
export async function accepting(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`Nothing listens on port ${port}.`);
}
