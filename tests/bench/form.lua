-- What wrk sends: the form given in the environment, or a plain GET when there is none. With POOL (a file, one value by line)
-- each request adds the parameter FIELD: values in turn (MODE cycle), the one that an answer gave (rotate: none is presented
-- twice), or each once (once: stops before the last ones, which may be under way).
local form, pool_file, mode, field = os.getenv("FORM"), os.getenv("POOL"), os.getenv("MODE"), os.getenv("FIELD")
local pool, first, last, answered = {}, 1, 0, 0
if form ~= "" or pool_file then
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
  wrk.body = form
end
if os.getenv("AUTHORIZATION") then wrk.headers["Authorization"] = os.getenv("AUTHORIZATION") end

if pool_file then
  local prefix = form == "" and field .. "=" or form .. "&" .. field .. "="
  function init(args)
    for line in io.lines(pool_file) do
      last = last + 1
      pool[last] = line
    end
    if mode == "cycle" then
      for n = 1, last do pool[n] = wrk.format(nil, nil, nil, prefix .. pool[n]) end
    end
  end
  function request()
    local taken = pool[first]
    if mode == "cycle" then
      first = first % last + 1
      return taken
    end
    pool[first] = nil
    first = first + 1
    return wrk.format(nil, nil, nil, prefix .. (taken or "none"))
  end
  if mode == "rotate" then
    function response(status, headers, body)
      local token = body:match('"refresh_token"%s*:%s*"([^"]+)"')
      if token then
        last = last + 1
        pool[last] = token
      end
    end
  elseif mode == "once" then
    function response()
      answered = answered + 1
      if answered >= last - 40 then wrk.thread:stop() end
    end
  end
end
