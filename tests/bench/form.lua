-- What wrk sends: the form given in the environment, or a plain GET when there is none.
local form = os.getenv("FORM")
if form ~= "" then
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
  wrk.body = form
end
