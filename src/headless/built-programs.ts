/** Where the build puts what a core needs beside it. */
import { basename, dirname, join } from 'node:path';

export interface BuiltPrograms {
  /** The program that node processes run. */
  nodeEntry: string;
  rendererFolder: string;
  resourcesFolder: string;
}

/** In `out/main`, where the bundler puts this module either into `cli.js` or into a chunk below. */
export function builtPrograms(): BuiltPrograms {
  const here = import.meta.dirname;
  const main = basename(here) === 'chunks' ? dirname(here) : here;
  return {
    nodeEntry: join(main, 'node.js'),
    rendererFolder: join(main, '../renderer'),
    resourcesFolder: join(main, '../../resources'),
  };
}
