-- Requests for wrk, from a file with one a line: "GET /path" or "POST /path BODY-FILE CONTENT-TYPE". Each of the
-- threads, whose number is the second argument, begins at a place of its own. The end of the run is told as one line of
-- JSON, latencies in microseconds.
local threads = 0

function setup(thread)
  thread:set("start", threads)
  threads = threads + 1
end

function init(args)
  made = {}
  for line in io.lines(args[1]) do
    local method, path, body, kind = line:match("^(%S+) (%S+) ?(%S*) ?(.*)$")
    if body == "" then
      made[#made + 1] = wrk.format(method, path)
    else
      local stream = assert(io.open(body, "rb"))
      made[#made + 1] = wrk.format(method, path, { ["Content-Type"] = kind }, stream:read("*a"))
      stream:close()
    end
  end
  place = math.floor(start * #made / args[2])
end

function request()
  place = place + 1
  return made[place % #made + 1]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"p50":%.1f,"p99":%.1f,"most":%.1f,"bytes":%d,' ..
    '"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), latency.max,
    summary.bytes, errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
