/** Timing by fitted polynomials: the default. */
export { layer, polynomialModel } from "../timing/PolynomialTiming.ts"
