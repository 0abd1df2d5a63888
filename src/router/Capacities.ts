/** What routers are told of pools whose workers differ. */
import type { Engine } from "../engine/Engine.ts"
import { engineOfWorker } from "../engine/MixedEngine.ts"
import type { RouterContext } from "./Router.ts"

/** Nothing where all workers are equal. */
export const capacities = (engine: Engine["Service"]): Pick<RouterContext, "capacityOf"> =>
  engine.mix === undefined
    ? {}
    : {
        capacityOf: (worker) => {
          const { maxNumBatchedTokens, numGpuBlocks } = engineOfWorker(engine, worker).args
          return { maxNumBatchedTokens, kvBlocks: numGpuBlocks }
        }
      }
