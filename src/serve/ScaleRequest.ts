/** The body of `POST /scale`: how many workers a pool is to have. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { PoolRole, PoolSize } from "../autoscaler/Autoscaler.ts"
import { type ApiError, invalid } from "./ApiError.ts"
import { type BodyReader, nullable, readBody } from "./RequestFields.ts"

const mostWorkers = 65_536

const scaleFields = {
  workers: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: mostWorkers })),
  pool: nullable(Schema.Literals(["aggregated", "prefill", "decode"]))
} as const

const ScaleBody = Schema.Struct(scaleFields)

const scaleReader: BodyReader<typeof ScaleBody.Type> = {
  parse: Schema.decodeUnknownResult(ScaleBody),
  names: Object.keys(scaleFields),
  neutral: {}
}

export interface ScaleRequest {
  readonly pool: PoolRole
  readonly workers: number
}

/** The pool must be named where there are two. */
export const parseScale = (body: unknown, roles: ReadonlyArray<PoolRole>): Result.Result<ScaleRequest, ApiError> =>
  Result.flatMap(readBody(body, scaleReader), ({ pool: named, workers }) => {
    const pool = named ?? (roles.length === 1 ? roles[0] : undefined)
    if (pool !== undefined && roles.includes(pool)) return Result.succeed({ pool, workers })
    const problem = pool === undefined ? "the pool is missing" : `there is no ${JSON.stringify(pool)} pool`
    return Result.fail(invalid(`${problem}: this server has ${roles.join(" and ")}`, { param: "pool" }))
  })

/** The answer, also of `GET /scale`. */
export const scaleJson = (pools: ReadonlyArray<PoolSize>) => ({
  pools: pools.map(({ draining, gpus, parked, ready, role, starting }) => ({
    pool: role,
    ready,
    starting,
    draining,
    gpus,
    queued_requests: parked
  }))
})
