/** This cache's name in Via and Cache-Status. */
export const CACHE_NAME = 'micro-cdn';
