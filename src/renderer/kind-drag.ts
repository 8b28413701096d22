/** The type under which a palette entry is dragged; its data is the kind's id. */
export const kindMime = 'application/x-micro-cdn-kind';
