# Models of any random terms and of other outcomes by brms, with exactly our default priors, for tests that never need R.
# Run in this folder: Rscript fit.R FOLDER [MODEL ...]   (an hour; with names only those are fitted again)
# Writes fits.csv, priors.csv and sessionInfo.txt. FOLDER has the rows of R's packages that ../mixed/fit.R and ../glmer/fit.R
# wrote there; rows of ours are in their data/.
suppressMessages({library(brms); library(posterior)})
rstan::rstan_options(boost_lib = "/usr/include") # where Debian keeps it
folder <- commandArgs(trailingOnly = TRUE)[1]; chosen <- commandArgs(trailingOnly = TRUE)[-1]
chains <- 4; draws <- 2500; warmup <- 1000; seed <- 20261130

rows_of <- function(name) {
  places <- file.path(c("../mixed/data", "../glmer/data", folder), paste0(name, ".csv"))
  read.csv(places[file.exists(places)][1])
}
wide <- function(v) sqrt(mean((v - mean(v))^2)) # bambi's sd, and numpy's

# Our defaults, written out in numbers: what is autoscaled by sd(y) of Gaussian outcomes is by 1 on other links. The intercept's
# prior holds at the predictors' means here and there; thresholds have means of their own, from -2 to 2.
numbers <- function(m, parts, y) {
  gaussian <- m$family == "gaussian"; size <- if (gaussian) sd(y) else 1
  x <- parts$X[, colnames(parts$X) != "Intercept", drop = FALSE]
  middle <- switch(m$family, gaussian = mean(y), poisson = log(mean(y)), cumulative = 0, qlogis(mean(y)))
  varies <- if (is.null(parts$Z_1_2)) NULL else m$varies # one slope, correlated with the intercept
  list(middle = middle, reach = 2.5 * size, spread = size, terms = colnames(x), varies = varies,
       steep = if (length(varies)) size / wide(parts$Z_1_2),
       reaches = 2.5 * size / apply(x, 2, if (gaussian) sd else wide),
       cuts = if (m$family == "cumulative") seq(-2, 2, length.out = parts$nthres))
}

# Numbers are data of the Stan program, so that models of one shape are compiled once.
as_data <- function(p) {
  one <- function(name, value) stanvar(value, name, scode = sprintf("real %s;", name))
  ordered <- !is.null(p$cuts)
  v <- one("reach", p$reach) + one("spread", p$spread)
  if (length(p$varies)) v <- v + one("steep", p$steep)
  v <- v + if (ordered) stanvar(p$cuts, "cuts", scode = "vector[nthres] cuts;") else one("middle", p$middle)
  if (length(p$terms)) v <- v + stanvar(as.array(unname(p$reaches)), "reaches",
                                        scode = sprintf("vector[%s] reaches;", if (ordered) "K" else "K - 1"))
  v
}
stated <- function(p, m) {
  half <- "student_t(3, 0, spread)"
  found <- set_prior(half, class = "sd") +
    set_prior(sprintf("normal(%s, reach)", if (is.null(p$cuts)) "middle" else "cuts"), class = "Intercept")
  if (length(p$terms)) found <- found + set_prior("normal(0, reaches)", class = "b")
  if (m$weights != "") found <- found + set_prior(half, class = "b", nlpar = "unit", lb = 0)
  else if (m$family == "gaussian") found <- found + set_prior(half, class = "sigma")
  if (length(p$varies)) found <- found + set_prior("lkj(2)", class = "cor") +
    set_prior("student_t(3, 0, steep)", class = "sd", group = m$group, coef = p$varies)
  found
}

# Our names of brms's variables; of a factor's levels the first six.
renamed <- function(f) {
  a <- as_draws_array(f); all <- variables(a)
  mine <- grep("^(b_|sd_|cor_|sigma$)", all, value = TRUE)
  name <- sub("^b_Intercept\\[(\\d+)\\]$", "threshold[\\1]", mine)
  name <- sub("^b_unit_Intercept$|^sigma$", "sd_resid", name)
  name <- sub("^b_", "", sub("^b_Intercept$", "(Intercept)", name))
  name <- sub("^sd_(.*)__(.*)$", "sd_\\2|\\1", name); name <- sub("^sd_Intercept\\|", "sd_(Intercept)|", name)
  name <- sub("^cor_(.*)__Intercept__(.*)$", "cor_\\2.(Intercept)|\\1", name)
  values <- lapply(mine, function(v) matrix(a[, , v], draws)); names(values) <- name
  effects <- ranef(f, summary = FALSE)
  for (g in names(effects)) for (level in head(dimnames(effects[[g]])[[2]], 6)) for (column in dimnames(effects[[g]])[[3]])
    values[[sprintf("%s|%s[%s]", sub("Intercept", "(Intercept)", column), g, gsub("_", ":", level))]] <- matrix(effects[[g]][, level, column], draws)
  as_draws_array(array(unlist(values), c(draws, chains, length(values)), list(NULL, NULL, names(values))))
}

programs <- list()
by_brms <- function(m) {
  d <- rows_of(m$data); family <- if (m$family == "gaussian") gaussian() else brmsfamily(m$family)
  formula <- eval(parse(text = m$brms))
  random <- regmatches(m$brms, regexec("\\(1 \\+ (\\w+) \\| (\\w+)\\)", m$brms))[[1]]
  m$varies <- random[2]; m$group <- random[3]
  parts <- make_standata(formula, d, family = family)
  p <- numbers(m, parts, if (m$family == "binomial") parts$Y / parts$trials else parts$Y)
  asked <- list(formula, data = d, family = family, prior = stated(p, m), stanvars = as_data(p))
  code <- do.call(make_stancode, asked)
  if (is.null(programs[[code]])) programs[[code]] <<- rstan::stan_model(model_code = code)
  f <- do.call(brm, c(asked, empty = TRUE))
  f$fit <- rstan::sampling(programs[[code]], data = do.call(make_standata, asked), chains = chains, cores = 1, seed = seed,
                           iter = warmup + draws, warmup = warmup, control = list(adapt_delta = 0.95), refresh = 0)
  f <- rename_pars(f)
  cat(format(Sys.time(), "%H:%M:%S"), m$model, "divergences:", sum(subset(nuts_params(f), Parameter == "divergent__")$Value), "\n")
  tails <- c(0.025, 0.975)
  s <- summarise_draws(renamed(f), mean, sd, ~quantile2(.x, tails), mcse_mean, mcse_sd, ~mcse_quantile(.x, tails), ess_bulk, rhat)
  s <- as.data.frame(lapply(as.data.frame(s), function(v) if (is.character(v)) v else signif(as.numeric(v), 8)), check.names = FALSE)
  prior <- rbind(
    if (is.null(p$cuts)) data.frame(parameter = "(Intercept)", location = p$middle, scale = p$reach)
    else data.frame(parameter = sprintf("threshold[%d]", seq_along(p$cuts)), location = p$cuts, scale = p$reach),
    if (length(p$terms)) data.frame(parameter = p$terms, location = 0, scale = unname(p$reaches)),
    if (length(p$varies)) data.frame(parameter = "sd_slope", location = 0, scale = p$steep),
    data.frame(parameter = c("sd", if (m$family == "gaussian") "sd_resid"), location = 0, scale = p$spread))
  prior$scale <- signif(prior$scale, 12); prior$location <- signif(prior$location, 12)
  list(fits = cbind(model = m$model, s), priors = cbind(model = m$model, prior))
}

keep <- function(found, file) { # what is there of other models stays
  before <- if (file.exists(file)) read.csv(file, check.names = FALSE)
  write.csv(rbind(before[!before$model %in% found$model, ], found), file, row.names = FALSE)
}
models <- read.csv("models.csv", colClasses = "character")
for (i in seq_len(nrow(models))) if (!length(chosen) || models$model[i] %in% chosen) {
  found <- by_brms(models[i, ])
  keep(found$fits, "fits.csv"); keep(found$priors, "priors.csv")
}
writeLines(capture.output(sessionInfo()), "sessionInfo.txt")
