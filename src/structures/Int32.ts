/** What fits an Int32Array, and an integer that engines keep without a float. */
export const maxInt32 = 2 ** 31 - 1
